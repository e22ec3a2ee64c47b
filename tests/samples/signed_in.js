const response = await fetch('https://office16852.com/api/chat/message', {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    'Authorization': `Bearer ${token}`
  },
  body: JSON.stringify({session_id: sessionId, message: userMessage})
})
