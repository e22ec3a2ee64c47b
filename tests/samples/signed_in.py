import requests

response = requests.post(
    'https://office16852.com/api/chat/message',
    headers={'Authorization': f'Bearer {token}'},
    json={'session_id': session_id, 'message': message},
)
